package overview

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// Path is where the pages are.
const Path = "/desk"

// Config is what [New] needs: all of it but Now.
type Config struct {
	ID    string // of the processor
	Token string // the operator's, at least 32 characters
	Book  Book
	Ready func(context.Context) error // nil while the processor is ready
	Now   func() time.Time            // time.Now when nil
}

// A Book is what the pages read of a book.
type Book interface {
	Accounts(ctx context.Context) ([]book.Account, error)
	Instants(ctx context.Context, limit int) ([]book.Instant, error)

	// Use and Lookup keep the sessions that were ended.
	Use(ctx context.Context, scope, nonce string, until time.Time) error
	Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error)
}

// An Overview serves the pages and remembers payments. It is safe for
// concurrent use.
type Overview struct {
	config  Config
	door    door
	recent  recent
	began   time.Time
	handler http.Handler

	mu    sync.Mutex
	shown bookView // at
	at    time.Time
}

// New returns an Overview without payments.
func New(c Config) (*Overview, error) {
	if len(c.Token) < 32 || c.Book == nil || c.Ready == nil || c.ID == "" {
		return nil, errors.New("overview: ID, Book, Ready and a token of at least 32 characters are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	o := &Overview{config: c, door: newDoor(c), began: c.Now()}
	o.recent.now, o.recent.refused = c.Now, make(map[protocol.Code]uint64)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"/login", o.loginPage)
	mux.HandleFunc("POST "+Path+"/login", o.login)
	mux.HandleFunc("POST "+Path+"/logout", o.logout)
	mux.Handle("GET "+Path, o.signedIn(o.front))
	mux.Handle("GET "+Path+"/payments/{number}", o.signedIn(o.payment))
	o.handler = http.NewCrossOriginProtection().Handler(mux)
	return o, nil
}

// Decided is for provider.Config.Decided: it remembers a payment.
func (o *Overview) Decided(v provider.Verdict) { o.recent.add(v) }

// SignedIn reports whether a request comes from a browser in which the
// operator's token was shown. It is good for reading only: who lets such a
// request change something checks besides that the browser meant it.
func (o *Overview) SignedIn(r *http.Request) bool { return o.door.holds(r) }

// ServeHTTP serves everything under Path.
func (o *Overview) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.handler.ServeHTTP(w, r) }

func (o *Overview) signedIn(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.door.holds(r) {
			http.Redirect(w, r, Path+"/login", http.StatusSeeOther)
			return
		}
		next(w, r)
	})
}

func (o *Overview) loginPage(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "login", loginView{ID: o.config.ID})
}

// loginSize is more than a form with a token needs.
const loginSize = 4 << 10

func (o *Overview) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, loginSize)
	if r.ParseForm() != nil || !o.door.knows(r.PostForm.Get("token")) {
		write(w, http.StatusForbidden, "login", loginView{ID: o.config.ID, Wrong: true})
		return
	}
	http.SetCookie(w, o.door.cookie())
	http.Redirect(w, r, Path, http.StatusSeeOther)
}

func (o *Overview) logout(w http.ResponseWriter, r *http.Request) {
	o.door.end(r)
	http.SetCookie(w, gone())
	http.Redirect(w, r, Path+"/login", http.StatusSeeOther)
}

// front is the first page.
func (o *Overview) front(w http.ResponseWriter, r *http.Request) {
	v := o.frontView(r.Context())
	v.Paused = r.URL.Query().Has("still")
	write(w, http.StatusOK, "front", v)
}

// payment is the page of one payment.
func (o *Overview) payment(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	s, ok := o.recent.find(number)
	if err != nil || !ok {
		write(w, http.StatusNotFound, "gone", goneView{ID: o.config.ID})
		return
	}
	write(w, http.StatusOK, "payment", o.paymentView(s))
}

// money writes an amount with its currency; what the book should not hold is
// written as the bare number.
func money(minor int64, currency string) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	a, err := (&provider.Trade{Amount: minor, Currency: currency}).Money()
	if err != nil {
		return sign + strconv.FormatInt(minor, 10) + " minor units of " + currency
	}
	return sign + a.String() + " " + currency
}
