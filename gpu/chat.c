#include "gpu/chat.h"

#include <stdlib.h>

#include "gpu/chat_format.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"

/* Templates by their ids. */
static const struct {
    const char *id, *format;
} templates[] = {
    {"93c0e9aa3629bbd77e68dbc0f5621f6e6b23aa8d74b932595cdb8d64684526d7", "llama3.1"},
    {"d82792f95932f1c9cef5c4bd992f171225e3bf8c7b609b4557c9e1ec96be819f", "llama3.2"},
    {"55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a", "qwen2.5"},
    {"ecd6ae513fe103f0eb62e8ab5bfa8d0fe45c1074fa398b089c93a7e70c15cfd6", "gemma"},
    {"1e51d5c0fec2f83da1953fb850b7b532b7da02d0dc35f9201e671e0b9a35a123", "gemma"},
    {"78d976a442bcde2f0be15aafbb8e3050e1104f86732266f68403251b89982a90", "phi3.5"},
    {"107f446a0c69ad81516797efae2998f51b1c8e3ea6e74253dcaff6629306bfc7", "phi3.5"},
    {"e7deee034838db2bfc7487788a3013d8a307ab69f72f3c54a85f06fd76007d4e", "mistral-tekken"},
    {"dd2675619a64a449cdcdd2b93e605a0a50764cee41e344f244752bc93643936c", "deepseek-r1"},
    {"fcf7a096fe99a48fd9ad2b250bf9237e96e8f48bffec1c7ea4d3f225176cd40e", "chatml"},
    {"153280e3ff55d19da1398bdb3914ee2a51b80429bfaedde11d7d216c39db80f3", "chatml"},
    {"26a59556925c987317ce5291811ba3b7f32ec4c647c400c6cc7e3a9993007ba7", "mistral-v0"},
    {"bbc58aad99454df60138be9530c9601a0adfe3d8932cda975e1f10b2410ddc51", "mistral-v1"},
    {"cafb64e0e9e5fd2503054b3479593fae39cbdfd52338ce8af9bb4664a8eb05bd", "mistral-v3"},
    {"268b6082ceb7176dc6ed80557a2f7837f9f0339592fbee677d405a553af15f88", "phi3-begun"},
    {"4552eefd92474b5259a00e369ebb5989535118101ca9ddeff68c11e879bbb9dd", "phi3-begun"},
    {"605841622bcb6572225608f09ec2afcdfb9fb50844ef52715a12689f7b9278b1", "phi3"},
    {"6b2fedcaff5489ce48d01fbbd17c7a46d4bf78001a5d05ec91d6067bf102e56f", "phi3"},
    {"b48c47f6443892716176eb200bf4ef108f64e06ca26ed0fa8ebc0a4b3992fcb2", "llama3"},
    {"b75e17085cfc511ead6d4fab84b86ab3c168ec7a332568a91d0889cdcba94394", "llama3"},
    {"4f39e3a4b9e3d369b42fd00d93a78f171914bb4e58ec84fc420433d7a153288a", "zephyr"},
    {"ba03a121d097859c7b5b9cd03af99aafe95275210d2876f642ad9929a150f122", "llama3"},
    {"4f46ecd43418f216df8c26936c60e5d04bcc81db47db5d86fbe889f64212dd4c", "llama3"},
    {"793202280c0910ab26bc6eb57c8212c2417324c6d8c4efd0d10d59092ab3e3eb", "qwen2"},
    {"f0206845c9ebc3abb4735d44f286eb81ce99238ad2accc710c6fc60e6cb8ccc8", "qwen2"},
    {"b6835114b7303ddd78919a82e4d9f7d8c26ed0d7dfc36beeb12d524f6144eab1", "deepseek-r1-plain"},
    {"1546232b56f9c33a5d7fcdc270b0014d67dff9c3df06737f091a4a7dee729c3a", "deepseek-r1-plain"},
    {"56a1447ad31926fdc21fb07e56e5642bd9c850c4f52d8c8af7bbe5f079a84f5f", "deepseek-r1"},
    {"795ba6276beff6e84e75213f77a7e7fff71b6c587618a6ed43c1f90c2ad2334a", "deepseek-r1"},
};

struct bytes32 chat_template_id(struct span template)
{
    while (template.len > 0 && strchr(" \n\r\t", template.at[template.len - 1]) != NULL)
        template.len--;
    return sig_sha256(template);
}

const struct chat_format *chat_find(struct span template)
{
    struct bytes32 id = chat_template_id(template);
    struct bytes32 known;
    for (size_t i = 0; i < ARRAY_LEN(templates); i++)
        if (hex_decode(known.at, sizeof known.at, (struct span){templates[i].id, 64}) &&
            memcmp(known.at, id.at, sizeof id.at) == 0)
            return chat_find_name(templates[i].format);
    return NULL;
}

const struct chat_format *chat_find_name(const char *name)
{
    const struct chat_format *format = chat_format_at(0);
    for (size_t i = 1; format != NULL && strcmp(format->name, name) != 0; i++)
        format = chat_format_at(i);
    return format;
}

const char *chat_name(const struct chat_format *format)
{
    return format->name;
}

struct span chat_end(const struct chat_format *format)
{
    return (struct span){format->end, strlen(format->end)};
}

const struct chat_format *chat_at(size_t index)
{
    return chat_format_at(index);
}

bool chat_render(struct chat_prompt *prompt, const struct chat_format *format,
                 const struct chat *chat, struct err *err)
{
    *prompt = (struct chat_prompt){0};
    if (chat->count == 0 || chat->count > CHAT_MESSAGES_MAX)
        return err_set(err, ERR_INVALID, "%zu messages; 1 to %d expected", chat->count,
                       CHAT_MESSAGES_MAX);
    if (format->write(prompt, chat, err))
        return true;
    chat_clear(prompt);
    return false;
}

void chat_clear(struct chat_prompt *prompt)
{
    text_clear(&prompt->text);
    free(prompt->quotes);
    *prompt = (struct chat_prompt){0};
}
