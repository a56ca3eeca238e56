# Prices, receipts, requests for payment.
unit_test(price gpu)
unit_test(receipt)
fuzz_target(receipt)
unit_test(demand token)
