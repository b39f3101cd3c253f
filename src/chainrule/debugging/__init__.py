"""What helps when a derivative is not what one expected.

In: derivatives and the arguments of a call. Out: where a NaN comes from, an account of
a derivative in words, and log messages of what the compiler and its cache do.
"""
