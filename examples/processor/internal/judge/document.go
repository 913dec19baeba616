package judge

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A Document is an OpenAPI document, with its schemas compiled.
type Document struct {
	paths map[string]map[string]*operation // by path and method, upper case
}

// An operation is what a document says of one method of one path.
type operation struct {
	query        map[string]bool // parameters, by name
	bodyRequired bool
	body         map[string]*jsonschema.Schema            // by media type
	answers      map[string]map[string]*jsonschema.Schema // by status, by media type
}

// address is that of the document in the compiler; nothing is fetched.
const address = "mem:///openapi.json"

type object = map[string]any

// reading is a document while it is read.
type reading struct {
	root     object
	compiler *jsonschema.Compiler
	ids      map[string]bool
}

// Read reads a document of version 3.1 and compiles every schema of an
// operation. It refuses what is unfinished: a reference that leads nowhere, an
// operation without id, summary or answers, an id given twice, a path whose
// parameters are not declared, an object that is open.
func Read(text []byte) (*Document, error) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	root, _ := v.(object)
	if version, _ := root["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		return nil, fmt.Errorf("not OpenAPI 3.1")
	}
	r := &reading{root: root, compiler: jsonschema.NewCompiler(), ids: make(map[string]bool)}
	r.compiler.DefaultDraft(jsonschema.Draft2020)
	r.compiler.AssertFormat()
	if err := r.compiler.AddResource(address, v); err != nil {
		return nil, err
	}
	if err := closed(root, "#"); err != nil {
		return nil, err
	}
	d := &Document{paths: make(map[string]map[string]*operation)}
	paths, _ := root["paths"].(object)
	for path, item := range paths {
		d.paths[path] = make(map[string]*operation)
		item, _ := item.(object)
		for method, op := range item {
			o, err := r.operation(path, method, op)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			d.paths[path][strings.ToUpper(method)] = o
		}
	}
	return d, nil
}

// closed reports an object schema with members to which others may be added.
func closed(v any, at string) error {
	switch v := v.(type) {
	case object:
		if _, has := v["properties"]; has && v["type"] == "object" && v["additionalProperties"] != false {
			return fmt.Errorf("the schema %s is open", at)
		}
		for name, member := range v {
			if err := closed(member, at+"/"+name); err != nil {
				return err
			}
		}
	case []any:
		for i, member := range v {
			if err := closed(member, fmt.Sprintf("%s/%d", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(p))
	}
	return b.String()
}

func (r *reading) operation(path, method string, v any) (*operation, error) {
	op, _ := v.(object)
	id, _ := op["operationId"].(string)
	if summary, _ := op["summary"].(string); id == "" || summary == "" || r.ids[id] {
		return nil, fmt.Errorf("no id, no summary, or the id of another")
	}
	r.ids[id] = true
	o := &operation{query: make(map[string]bool), answers: make(map[string]map[string]*jsonschema.Schema)}
	if err := o.parameters(path, op["parameters"]); err != nil {
		return nil, err
	}
	at := []string{"paths", path, method}
	if body, has := op["requestBody"].(object); has {
		o.bodyRequired, _ = body["required"].(bool)
		var err error
		if o.body, err = r.content(body, append(slices.Clone(at), "requestBody")); err != nil {
			return nil, err
		}
	}
	answers, _ := op["responses"].(object)
	if len(answers) == 0 {
		return nil, fmt.Errorf("no answers")
	}
	for status, a := range answers {
		a, _ := a.(object)
		place := append(slices.Clone(at), "responses", status)
		if ref, is := a["$ref"].(string); is {
			place = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
			if a = r.find(place); a == nil {
				return nil, fmt.Errorf("%s leads nowhere", ref)
			}
		}
		var err error
		if o.answers[status], err = r.content(a, place); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// find follows plain names from the root.
func (r *reading) find(place []string) object {
	at := r.root
	for _, name := range place {
		at, _ = at[name].(object)
	}
	return at
}

// content compiles the schemas of a body, by media type.
func (r *reading) content(body object, at []string) (map[string]*jsonschema.Schema, error) {
	out := make(map[string]*jsonschema.Schema)
	content, _ := body["content"].(object)
	for kind := range content {
		s, err := r.compiler.Compile(address + "#" + pointer(append(slices.Clone(at), "content", kind, "schema")...))
		if err != nil {
			return nil, err
		}
		out[kind] = s
	}
	return out, nil
}

// parameters reads those of the query, and holds those of the path against it.
func (o *operation) parameters(path string, v any) error {
	list, _ := v.([]any)
	left := path
	for _, p := range list {
		p, _ := p.(object)
		name, _ := p["name"].(string)
		switch p["in"] {
		case "query":
			o.query[name] = true
		case "path":
			if !strings.Contains(left, "{"+name+"}") {
				return fmt.Errorf("the path has no %s", name)
			}
			left = strings.Replace(left, "{"+name+"}", "", 1)
		}
	}
	if strings.Contains(left, "{") {
		return fmt.Errorf("a parameter of the path is not declared")
	}
	return nil
}

// operation finds what the document says of a request: a path as it is written
// wins over one with parameters.
func (d *Document) operation(method, path string) (string, *operation) {
	if methods, ok := d.paths[path]; ok {
		return path, methods[method]
	}
	for template, methods := range d.paths {
		if fits(template, path) && methods[method] != nil {
			return template, methods[method]
		}
	}
	return "", nil
}

// fits compares a path with one of the document, segment by segment.
func fits(template, path string) bool {
	a, b := strings.Split(template, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (!strings.HasPrefix(a[i], "{") || b[i] == "") {
			return false
		}
	}
	return true
}

// Served lists what the document says can be answered with success, in the form
// of [Judge.Seen].
func (d *Document) Served() []string {
	var all []string
	for path, methods := range d.paths {
		for method, o := range methods {
			for status := range o.answers {
				if status < "400" {
					all = append(all, method+" "+path+" "+status)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}
