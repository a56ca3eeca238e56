# Paid jobs: as a state machine in PostgreSQL, done by executors, paid for by tokens.
target_sources(api PRIVATE
  bell.c cashier.c cashier_pay.c compute.c courier.c executor.c executor_job.c inquiry.c order.c order_end.c order_receipt.c
  order_work.c service_sell.c shop.c)
target_link_libraries(api PUBLIC mint market token core)
