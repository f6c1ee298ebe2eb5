FROM base
LABEL a=parent c=parent
