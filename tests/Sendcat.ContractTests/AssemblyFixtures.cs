using Sendcat.ContractTests;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
