package web

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
)

// readMultipart reads plain fields. It refuses files.
func (f form) readMultipart(body []byte, boundary string, allowed fields) *failure {
	if boundary == "" {
		return badRequest()
	}
	values := map[string][]string{}
	mr := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f.setAll(values, allowed)
		}
		if err != nil || part.FormName() == "" || part.FileName() != "" {
			return badRequest()
		}
		value, err := io.ReadAll(part) // the size of the body is limited
		if err != nil {
			return badRequest()
		}
		values[part.FormName()] = append(values[part.FormName()], string(value))
	}
}
