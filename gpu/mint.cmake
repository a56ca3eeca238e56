# Credit: issued, swapped and spent, as wallets ask for it.
add_library(mint STATIC
  bank.c faucet.c mint.c mint_keyset.c mint_look.c mint_melt.c mint_policy.c mint_quote.c mint_request.c mint_ring.c
  mint_sign.c mint_swap.c seed.c treasury.c)
target_link_libraries(mint PUBLIC market vault)
target_sources(api PRIVATE counter.c herald.c herald_item.c tube.c)
target_link_libraries(api PUBLIC mint)
