"""What a borrower is told in writing when a request is not granted as asked."""
