package evidence

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// members lists the members of an object, those inside of others by their path,
// and sorts them into what is open and what is hidden behind a digest: that is
// told by the name (TSD-ATT-OFF-07).
func (c *cardView) members(path string, object jsontext.Value) {
	var value any
	if err := json.Unmarshal(object, &value); err != nil {
		return // a record's objects were read before
	}
	c.member(path, value)
}

func (c *cardView) member(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			c.member(strings.TrimPrefix(path+"."+name, "."), v[name])
		}
	case []any:
		for i, x := range v {
			c.member(at(path, i), x)
		}
	case string:
		c.put(path, v)
	case bool:
		c.put(path, strconv.FormatBool(v))
	case float64:
		c.put(path, strconv.FormatFloat(v, 'f', -1, 64))
	}
}

func (c *cardView) put(path, value string) {
	name, _, _ := strings.Cut(path[strings.LastIndex(path, ".")+1:], "[")
	if strings.HasSuffix(name, "_digest") || strings.HasSuffix(name, "_hash") {
		c.Hidden = append(c.Hidden, show(path, value))
		return
	}
	c.Open = append(c.Open, show(path, value))
}
