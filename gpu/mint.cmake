# Credit: issued, swapped and spent, as wallets ask for it.
add_library(mint STATIC
  bank.c faucet.c mint.c mint_keyset.c mint_look.c mint_melt.c mint_policy.c mint_quote.c mint_request.c mint_ring.c
  mint_sign.c mint_swap.c seed.c treasury.c)
target_link_libraries(mint PUBLIC market vault)
target_sources(api PRIVATE bridge.c counter.c deposit.c herald.c herald_item.c invoice.c lightning.c lightning_call.c nwc.c
  payout.c payout_errand.c tube.c vigil.c)
target_link_libraries(api PUBLIC mint)
