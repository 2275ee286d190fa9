// Go, which makes its system calls itself, both ends: echo server PORT | echo client HOST PORT CONNECTIONS BYTES.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

func serve(port string) {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			io.Copy(c, c)
			c.Close()
		}()
	}
}

func one(i int, address string, size int) string {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return fmt.Sprint(i, " ", err)
	}
	defer c.Close()
	data := make([]byte, size)
	for k := range data {
		data[k] = byte(k*7 + k>>8 + i)
	}
	go func() {
		c.Write(data)
		c.(*net.TCPConn).CloseWrite()
	}()
	h := sha256.New()
	n, err := io.Copy(h, c)
	return fmt.Sprintf("%d %d %x %v", i, n, h.Sum(nil)[:8], err)
}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2])
	}
	count, _ := strconv.Atoi(os.Args[4])
	size, _ := strconv.Atoi(os.Args[5])
	lines := make([]chan string, count)
	for i := range lines {
		lines[i] = make(chan string)
		go func(i int) { lines[i] <- one(i, os.Args[2]+":"+os.Args[3], size) }(i)
	}
	for i := range lines {
		fmt.Println(<-lines[i])
	}
}
