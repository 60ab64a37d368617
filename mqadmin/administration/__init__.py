"""What a broker is made of besides its queues (exchanges, clients, users, policies ...): seen and changed."""
