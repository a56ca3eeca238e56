# The HTTP and websocket server.
unit_test(http relay)
unit_test(squeeze relay)
