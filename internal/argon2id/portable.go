//go:build !amd64 || purego

package argon2id

import "errors"

func hasKernel() bool { return false }

func (p *Pool) sum(job) ([]byte, error) { return nil, errors.ErrUnsupported }
