package traffic

import "strconv"

// fields are members of a JSON object in the making, each followed by a comma.
type fields []byte

// str adds a member whose value is all the parts together.
func (f *fields) str(name string, parts ...string) {
	f.name(name)
	*f = append(*f, '"')
	for _, part := range parts {
		*f = appendEscaped(*f, part)
	}
	*f = append(*f, '"', ',')
}

// named adds a member like str, whose value ends with a number of six digits: objects and customers are numbered.
func (f *fields) named(name, prefix string, number int, suffix string) {
	f.name(name)
	*f = append(*f, '"')
	*f = append(*f, prefix...)
	for rest := 100000; rest > number && rest > 1; rest /= 10 {
		*f = append(*f, '0')
	}
	*f = strconv.AppendInt(*f, int64(number), 10)
	*f = append(*f, suffix...)
	*f = append(*f, '"', ',')
}

func (f *fields) number(name string, value int) {
	f.name(name)
	*f = append(strconv.AppendInt(*f, int64(value), 10), ',')
}

func (f *fields) flag(name string, value bool) {
	f.name(name)
	*f = append(strconv.AppendBool(*f, value), ',')
}

// raw adds a member whose value is JSON.
func (f *fields) raw(name, value string) {
	f.name(name)
	*f = append(append(*f, value...), ',')
}

// list adds a list of texts.
func (f *fields) list(name string, values ...string) {
	f.name(name)
	*f = append(*f, '[')
	for i, value := range values {
		if i > 0 {
			*f = append(*f, ',')
		}
		*f = append(appendEscaped(append(*f, '"'), value), '"')
	}
	*f = append(*f, ']', ',')
}

func (f *fields) name(name string) {
	*f = append(*f, '"')
	*f = append(*f, name...)
	*f = append(*f, '"', ':')
}

func (f *fields) open(name string) {
	f.name(name)
	*f = append(*f, '{')
}

func (f *fields) shut() {
	if n := len(*f); (*f)[n-1] == ',' {
		*f = (*f)[:n-1]
	}
	*f = append(*f, '}', ',')
}

// whole is the object they are the members of, null for none.
func (f fields) whole() string {
	if len(f) == 0 {
		return "null"
	}
	return "{" + string(f[:len(f)-1]) + "}"
}

// appendEscaped appends a text of printable ASCII and line breaks, which is all that this world writes.
func appendEscaped(b []byte, text string) []byte {
	done := 0
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\':
			b = append(append(b, text[done:i]...), '\\', c)
			done = i + 1
		case '\n':
			b = append(append(b, text[done:i]...), '\\', 'n')
			done = i + 1
		}
	}
	return append(b, text[done:]...)
}
