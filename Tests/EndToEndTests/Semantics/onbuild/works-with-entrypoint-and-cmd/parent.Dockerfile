FROM base
CMD ["inherited"]
ONBUILD ENTRYPOINT ["triggered"]
