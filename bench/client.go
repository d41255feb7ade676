package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is one keep-alive connection. It implements only as much HTTP as the measured server
// needs, because net/http's client uses more CPU than the server and would distort the result.
type client struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

// reply is a parsed answer. Its slices are valid until the next request of the client.
type reply struct {
	status  int
	cookies []string // "name=value"
	body    []byte
}

var errReply = errors.New("not an answer of the bench's server")

func (c *client) dial() error {
	conn, err := net.DialTimeout("tcp", c.addr, 5*time.Second)
	if err != nil {
		return err
	}
	c.conn, c.in = conn, bufio.NewReaderSize(conn, 8<<10)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// do sends one request and reads its answer. After an error it opens a new connection.
func (c *client) do(method, path, cookie string, json []byte) (reply, error) {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return reply{}, err
		}
	}
	b := append(c.out[:0], method...)
	b = append(b, ' ')
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.addr...)
	b = append(b, "\r\nUser-Agent: bench\r\nAccept: application/json\r\n"...)
	if path == "/auth/verify" {
		b = fmt.Appendf(b, "X-Original-URL: http://%s/guarded\r\nX-Original-Method: GET\r\n", c.addr)
	}
	if cookie != "" {
		b = append(b, "Cookie: "...)
		b = append(b, cookie...)
		b = append(b, "\r\n"...)
	}
	if json != nil {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(json))
	}
	b = append(b, "\r\n"...)
	c.out = append(b, json...)
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.conn.Write(c.out); err != nil {
		c.close()
		return reply{}, err
	}
	r, err := c.read()
	if err != nil {
		c.close()
	}
	return r, err
}

func (c *client) read() (reply, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return reply{}, errReply
	}
	var r reply
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return reply{}, errReply
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return reply{}, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return reply{}, errReply
			}
		}
		if v, ok := bytes.CutPrefix(line, []byte("Set-Cookie: ")); ok {
			v, _, _ = bytes.Cut(v, []byte(";"))
			r.cookies = append(r.cookies, string(v))
		}
	}
	if length < 0 || length > 64<<10 {
		return reply{}, errReply
	}
	r.body = make([]byte, length)
	_, err = io.ReadFull(c.in, r.body)
	return r, err
}

// cookie returns the "name=value" pair of a cookie in an answer.
func (r reply) cookie(name string) string {
	for _, c := range r.cookies {
		if len(c) > len(name)+1 && c[:len(name)] == name && c[len(name)] == '=' {
			return c
		}
	}
	return ""
}
