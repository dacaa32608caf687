/** Small programs that use smelt as a library. */
package dev.smelt.examples;
