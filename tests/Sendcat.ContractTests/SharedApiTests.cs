namespace Sendcat.ContractTests;

/// <summary>Tests with the API that all tests share, see <see cref="PostgresFixture.ApiAsync"/>, and a guest of their own.</summary>
public abstract class SharedApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private protected PostgresFixture Postgres { get; } = postgres;

    private protected SendcatApi Api { get; private set; } = null!;

    private protected HttpClient Guest { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Api = await Postgres.ApiAsync();
        Guest = await Api.GuestAsync();
        await PrepareAsync();
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Creates what each test of the class needs.</summary>
    private protected virtual Task PrepareAsync() => Task.CompletedTask;
}
