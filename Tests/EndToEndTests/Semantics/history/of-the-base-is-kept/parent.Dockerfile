FROM base
LABEL parent=yes
