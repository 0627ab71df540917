// Command rotd keeps AWS KMS keys rotated as policy says and notices when somebody misuses or breaks them.
package main

func main() {}
