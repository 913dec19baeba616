package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
)

// An Action is how the operator of the server under test does something: an HTTP
// call, a command, or a function of a caller in Go. In all texts {name} stands
// for a value that the check gives, {env:NAME} for a variable of the environment;
// a text of a body that is {name} alone may become a JSON object, a key for
// example.
type Action struct {
	Method  string            `json:"method,omitzero"` // POST when empty
	URL     string            `json:"url,omitzero"`
	Headers map[string]string `json:"headers,omitzero"`
	Body    jsontext.Value    `json:"body,omitzero"`

	Command []string `json:"command,omitzero"` // prints a JSON object, or nothing

	// Output names, for what the check wants to know, the member of the answer in
	// which it stands; below another one, with dots.
	Output map[string]string `json:"output,omitzero"`

	Func func(ctx context.Context, values map[string]string) (map[string]string, error) `json:"-"`
}

func (a *Action) check(name string) error {
	n := 0
	for _, there := range []bool{a.URL != "", len(a.Command) > 0, a.Func != nil} {
		if there {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("scenario: action %s has either url or command", name)
	}
	return nil
}

// can reports whether the scenario has all of these actions.
func (w *world) can(names ...string) bool {
	for _, name := range names {
		if _, ok := w.scenario.Actions[name]; !ok {
			return false
		}
	}
	return true
}

// act has the operator do something. An action that the scenario does not have
// ends the check as skipped, one that fails as an error. What passes is not kept:
// it has the operator's secrets.
func (p *probe) act(name string, pairs ...string) map[string]string {
	a, ok := p.scenario.Actions[name]
	if !ok {
		p.skip("the scenario has no action " + name)
	}
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	out, err := a.do(p.ctx, p.client, values)
	p.fault("action "+name, err)
	return out
}

func (a *Action) do(ctx context.Context, client *http.Client, values map[string]string) (map[string]string, error) {
	if a.Func != nil {
		return a.Func(ctx, values)
	}
	var answer []byte
	var err error
	if len(a.Command) > 0 {
		answer, err = a.execute(ctx, values)
	} else {
		answer, err = a.call(ctx, client, values)
	}
	if err != nil || len(a.Output) == 0 {
		return nil, err
	}
	out := map[string]string{}
	for name, path := range a.Output {
		if out[name], err = member(answer, path); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *Action) execute(ctx context.Context, values map[string]string) ([]byte, error) {
	words := make([]string, len(a.Command))
	for i, w := range a.Command {
		words[i] = fill(w, values)
	}
	var complaint bytes.Buffer
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLine(complaint.String()))
	}
	return out, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

func (a *Action) call(ctx context.Context, client *http.Client, values map[string]string) ([]byte, error) {
	method := a.Method
	if method == "" {
		method = http.MethodPost
	}
	body, err := fillJSON(a.Body, values)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, fill(a.URL, values), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address is none")
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range a.Headers {
		r.Header.Set(k, fill(v, values))
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	// 303 is how a page ends that a person has sent off.
	if err == nil && (resp.StatusCode < 200 || resp.StatusCode > 299) && resp.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, lastLine(string(answer[:min(len(answer), 300)])))
	}
	return answer, err
}

var placeholder = regexp.MustCompile(`\{(env:)?[A-Za-z0-9_]+\}`)

// fill puts values into a text. A placeholder without a value becomes empty.
func fill(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := p[1 : len(p)-1]
		if env, ok := strings.CutPrefix(name, "env:"); ok {
			return os.Getenv(env)
		}
		return values[name]
	})
}

// fillJSON puts values into the texts of a JSON value.
func fillJSON(body jsontext.Value, values map[string]string) ([]byte, error) {
	if len(body) == 0 {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, errors.New("the body of the action is no JSON")
	}
	return canon.Marshal(filled(v, values))
}

func filled(v any, values map[string]string) any {
	switch v := v.(type) {
	case string:
		text := fill(v, values)
		if m := placeholder.FindString(v); m == v && strings.HasPrefix(text, "{") {
			return jsontext.Value(text)
		}
		return text
	case []any:
		for i := range v {
			v[i] = filled(v[i], values)
		}
	case map[string]any:
		for k := range v {
			v[k] = filled(v[k], values)
		}
	}
	return v
}

// member returns the text or the number at a path of a JSON object.
func member(data []byte, path string) (string, error) {
	var v any
	if err := json.Unmarshal(bytes.TrimSpace(data), &v); err != nil {
		return "", errors.New("the answer of the action is no JSON")
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return "", errors.New("the answer of the action has no " + path)
		}
		v = object[name]
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return fmt.Sprint(v), nil
	}
	return "", errors.New("the answer of the action has no text in " + path)
}
