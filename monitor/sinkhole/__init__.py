"""The sinkhole: answers DNS queries for banned names, and forwards all other queries of banned clients."""
