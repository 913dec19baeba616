// Command act-conformance runs the conformance suite.
package main

func main() {}
