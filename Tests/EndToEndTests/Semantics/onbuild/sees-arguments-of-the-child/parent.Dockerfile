FROM base
ONBUILD ARG V=default
ONBUILD LABEL trigger=$V
