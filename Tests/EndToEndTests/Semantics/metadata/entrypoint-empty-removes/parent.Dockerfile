FROM base
ENTRYPOINT ["e"]
CMD ["inherited"]
