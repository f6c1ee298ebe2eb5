int sb_placeholder(void);
