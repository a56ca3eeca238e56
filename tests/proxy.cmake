# What is bought, and by whom.
unit_test(delta core)
fuzz_target(delta core)
unit_test(trade_change trade stamp httpd)
# Applications that speak with models, and whoever answers them.
unit_test(chunk core)
unit_test(idiom core)
fuzz_target(idiom core)
unit_test(line core)
unit_test(outlet core)
unit_test(plea core)
unit_test(provider provider)
unit_test(ration core)
