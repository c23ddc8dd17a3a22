-- ping redis
-- Does nothing, to find out whether Redis responds.
--
-- result     1

return 1
