FROM base
ONBUILD RUN <<EOF
echo child >/result
EOF
ONBUILD RUN <<S
#!/bin/sh
echo $0 >/script
S
