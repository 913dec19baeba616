package conformance

// MaxLine is the longest line that passes between suite and testee, in bytes
// without the line feed.
const MaxLine = 1 << 20

// Protocol is the name and version of what passes between suite and testee.
const Protocol = "act-conformance/1"
