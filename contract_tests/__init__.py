"""The judge: checks any implementation of the Calls contract, over HTTP and on the socket, and says what is wrong."""
