FROM base
CMD ["inherited"]
