package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
)

//go:embed bill.html
var billText string

//go:embed bill.css
var billStyle string

// billPage is the task bill for printing. Its one style is named by its hash,
// and nothing else is loaded or run.
var billPage = template.Must(template.New("bill").Parse(billText))

var billPolicy = func() string {
	sum := sha256.Sum256([]byte(billStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// documents are the desk's answers that are not JSON: a bill for printing and a
// settlement for spreadsheets.
func (s *Server) documents(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin/bill.html", s.sheet("text/html; charset=utf-8", func(r *http.Request) ([]byte, error) {
		v, err := s.bill(r)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := billPage.Execute(&b, struct {
			billView
			PSP   string
			Style template.CSS
		}{v, s.id.String(), template.CSS(billStyle)}); err != nil {
			return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the page could not be made", err)
		}
		return b.Bytes(), nil
	}))
	mux.HandleFunc("GET /admin/settlement.csv", s.sheet("text/csv; charset=utf-8", func(r *http.Request) ([]byte, error) {
		v, err := s.settlement(r)
		return []byte(v.csv()), err
	}))
}

func (s *Server) sheet(contentType string, produce func(*http.Request) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := s.now()
		out, err := produce(r)
		if err != nil {
			refuse(w, err)
		} else {
			h := w.Header()
			h.Set("Content-Type", contentType)
			h.Set("Content-Security-Policy", billPolicy)
			h.Set("Cache-Control", "no-store")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			_, _ = w.Write(out)
		}
		s.counts.answered(r.URL.Path, err, s.now().Sub(begun))
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "desk", slog.String("method", "GET"), slog.String("path", r.URL.Path), slog.String("code", string(protocol.CodeOf(err))))
	}
}
