package binding

import (
	_ "embed"

	"github.com/actprotocol/act-go/examples/processor/internal/page"
)

var (
	//go:embed review.html
	reviewText string
	//go:embed limits.html
	limitsText string
	//go:embed outcome.html
	outcomeText string
	//go:embed enrol.html
	enrolText string

	reviewPage  = page.Must(reviewText)
	editorPage  = page.Must(limitsText)
	outcomePage = page.Must(outcomeText)
	enrolPage   = page.Must(enrolText)
)

// review is what a principal can agree to.
type review struct {
	W          words
	Agent      string
	Principal  string
	SubAccount bool
	Lowered    bool   // not all that was asked for
	Sum        string // most that can be spent in all; empty is no limit
	Currency   string
	Limits     []limit
	Expires    page.Moment
	Passkey    page.Form
	Change     string
	Decline    string
}

// outcome is an end, good or not.
type outcome struct {
	W         words
	Good      bool
	Why       string
	Agent     string
	Principal string
	Limits    []limit
}

// enrolment is the offer to make a passkey.
type enrolment struct {
	W         words
	Principal string
	Expires   page.Moment
	Passkey   page.Form
}
