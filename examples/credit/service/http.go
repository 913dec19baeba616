package service

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
)

// Handler serves the eleven paths of the official OpenAPI description. A refusal
// is {"error":{"code","message"}}, status 400, or 404 for what is not there;
// 503 when it could not be decided. /v1/verifications answers 200 and signed,
// whatever the outcome.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	post := func(path string, status int, f func(r *http.Request, body []byte) ([]byte, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, canon.DefaultMaxBytes))
			if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
				err = protocol.New(protocol.CodeTooLarge, "", "", "")
			}
			var answer []byte
			if err == nil {
				answer, err = f(r, body)
			}
			write(w, status, answer, err)
		})
	}
	post("/v1/association-applications", http.StatusCreated, s.postApplication)
	post("/v1/association-applications/{id}/preparations", http.StatusOK, s.postPreparation)
	post("/v1/association-applications/{id}/confirmations", http.StatusCreated, s.postConfirmation)
	post("/v1/association-credentials/{id}/suspensions", http.StatusOK, s.postChange(credit.Suspended))
	post("/v1/association-credentials/{id}/resumptions", http.StatusOK, s.postChange(credit.Active))
	post("/v1/association-credentials/{id}/revocations", http.StatusOK, s.postChange(credit.Revoked))
	post("/v1/credit-query-authorizations", http.StatusCreated, s.postAuthorization)
	post("/v1/credit-query-authorizations/{id}/revocations", http.StatusOK, s.postRevocation)
	mux.HandleFunc("GET /v1/association-credentials/{id}", func(w http.ResponseWriter, r *http.Request) {
		party, _ := s.Login(r) // nobody sees nothing
		answer, err := s.Credential(r.Context(), party, r.PathValue("id"))
		write(w, http.StatusOK, answer, err)
	})
	mux.HandleFunc("GET /v1/association-credentials/{id}/status", func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.Status(r.Context(), r.PathValue("id"))
		write(w, http.StatusOK, answer, err)
	})
	mux.HandleFunc("POST /v1/verifications", func(w http.ResponseWriter, r *http.Request) {
		// What is too long is read no further, and answered like all that has
		// not the form.
		body, _ := io.ReadAll(io.LimitReader(r.Body, canon.DefaultMaxBytes+1))
		answer, err := s.Verify(r.Context(), body)
		write(w, http.StatusOK, answer, err)
	})
	return mux
}

func write(w http.ResponseWriter, status int, answer []byte, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		status, answer = refusal(err)
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func refusal(err error) (int, []byte) {
	e := protocol.AsError(err)
	status := http.StatusBadRequest
	switch {
	case e.Code == protocol.CodeNoMatch:
		status = http.StatusNotFound
	case e.Code.Outcome() == protocol.Undetermined:
		status = http.StatusServiceUnavailable
	}
	var body struct {
		Error struct {
			Code    protocol.Code `json:"code"`
			Message string        `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = e.Code, e.Error()
	out, err := canon.Marshal(body)
	if err != nil {
		return http.StatusServiceUnavailable, []byte(`{"error":{"code":"service_unavailable","message":"no answer"}}`)
	}
	return status, out
}

// sameID: what a message names is what the path names.
func sameID(r *http.Request, field, id string) error {
	if r.PathValue("id") != id {
		return protocol.New(protocol.CodeClaimsConflict, field, "TSD-CRD-LCM-06", "not what the path names")
	}
	return nil
}

func (s *Service) postApplication(r *http.Request, body []byte) ([]byte, error) {
	party, err := s.Login(r)
	if err != nil {
		return nil, err
	}
	app, err := credit.ParseApplication(body)
	if err != nil {
		return nil, err
	}
	if _, err := s.Apply(r.Context(), party, app); err != nil {
		return nil, err
	}
	return app.Encode()
}

func (s *Service) postPreparation(r *http.Request, _ []byte) ([]byte, error) {
	party, err := s.Login(r)
	if err != nil {
		return nil, err
	}
	payload, err := s.Prepare(r.Context(), party, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return canon.Marshal(struct {
		ApplicationID string         `json:"applicationId"`
		Credential    jsontext.Value `json:"credential"`
		Payload       jsontext.Value `json:"signingPayload"`
	}{r.PathValue("id"), payload, payload})
}

func (s *Service) postConfirmation(r *http.Request, body []byte) ([]byte, error) {
	c, err := credit.ParseConfirmation(body)
	if err != nil {
		return nil, err
	}
	party := ""
	if c.Method == credit.AttestedConfirmation { // a signature needs no session
		if party, err = s.Login(r); err != nil {
			return nil, err
		}
	}
	return s.Confirm(r.Context(), party, r.PathValue("id"), c)
}

func (s *Service) postChange(target credit.Status) func(*http.Request, []byte) ([]byte, error) {
	return func(r *http.Request, body []byte) ([]byte, error) {
		u, err := credit.ParseStatusChange(body)
		if err != nil {
			return nil, err
		}
		if err := sameID(r, "credentialId", u.Message().CredentialID); err != nil {
			return nil, err
		}
		if u.Message().Target != target {
			return nil, protocol.New(protocol.CodeClaimsConflict, "targetStatus", "TSD-CRD-LCM-06", "not what the path asks for")
		}
		return s.Change(r.Context(), u)
	}
}

func (s *Service) postAuthorization(r *http.Request, body []byte) ([]byte, error) {
	u, err := credit.ParseQueryAuthorization(body)
	if err != nil {
		return nil, err
	}
	return s.Authorize(r.Context(), u)
}

func (s *Service) postRevocation(r *http.Request, body []byte) ([]byte, error) {
	u, err := credit.ParseRevocation(body)
	if err != nil {
		return nil, err
	}
	if err := sameID(r, "authorizationId", u.Message().AuthorizationID); err != nil {
		return nil, err
	}
	return s.Revoke(r.Context(), u)
}
