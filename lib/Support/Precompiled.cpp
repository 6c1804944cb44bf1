// Translation unit of the shared precompiled header.
