package awss3

// LimitCopies lets a client copy in parts what is larger, so that no test needs gigabytes.
func (c *Client) LimitCopies(most, part int64) { c.maxCopy, c.leastPart = most, part }
