using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Identity;

namespace Sendcat.ContractTests.Identity;

/// <summary>The limit of concurrent password hashes and its queue.</summary>
public sealed class PasswordHashesTests(PostgresFixture postgres)
{
    private const string Email = "hashes@example.com";
    private const string Password = "correct horse 1";

    [Fact]
    public async Task Requests_beyond_the_hash_queue_get_503_with_retry_after_and_concurrency_stays_within_the_limit()
    {
        using var hasher = new GatedHasher();
        await using var api = await StartAsync(hasher, queue: 1);
        hasher.Close();

        var running = api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = Email, password = Password });
        await hasher.Entered.WaitAsync();
        Task<HttpResponseMessage>[] others =
        [
            api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "nobody@example.com", password = Password }),
            api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "else@example.com", password = Password }),
            api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = "new@example.com", password = Password }),
        ];

        // One of the three waits in the queue; which one depends on the order of arrival. The other two get 503 at once.
        var refused = new List<Task<HttpResponseMessage>>();
        await foreach (var completed in Task.WhenEach(others))
        {
            refused.Add(completed);
            await IsRefusedAsync(await completed);
            if (refused.Count == 2)
            {
                break;
            }
        }

        Assert.Equal(HttpStatusCode.OK, (await (await api.GuestAsync()).GetAsync("/api/threads")).StatusCode);
        var waiting = Assert.Single(others.Except(refused));
        Assert.False(waiting.IsCompleted);
        hasher.Open();
        await (await running).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.NotEqual(HttpStatusCode.ServiceUnavailable, (await waiting).StatusCode);
        Assert.Equal(1, hasher.MaxConcurrent);
        Assert.Equal(
            HttpStatusCode.OK,
            (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = "new@example.com", password = Password })).StatusCode);
    }

    [Fact]
    public async Task A_password_reset_counts_against_the_hash_limit_and_its_token_stays_valid_after_a_503()
    {
        using var hasher = new GatedHasher();
        await using var api = await StartAsync(hasher, queue: 0);
        await api.UserAsync(Email, Password);
        var token = await ResetTokenAsync(api);
        hasher.Close();
        var running = api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = Email, password = Password });
        await hasher.Entered.WaitAsync();

        await PostIsRefusedAsync(api, "reset-password", new { token, newPassword = "another horse 2" });
        hasher.Open();
        await running;
        Assert.Equal(
            HttpStatusCode.NoContent,
            (await api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token, newPassword = "another horse 2" })).StatusCode);
    }

    [Fact]
    public async Task A_sign_in_refused_with_503_does_not_count_as_a_wrong_password()
    {
        using var hasher = new GatedHasher();
        await using var api = await StartAsync(hasher, queue: 0, ("RATE_LIMIT_SIGN_IN_MAX", "1"));
        (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = Email, password = Password })).EnsureSuccessStatusCode();
        hasher.Close();
        var running = api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "other@example.com", password = Password });
        await hasher.Entered.WaitAsync();
        await PostIsRefusedAsync(api, "login", new { email = Email, password = Password });
        hasher.Open();
        await running;

        Assert.Equal(
            HttpStatusCode.OK,
            (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = Email, password = Password })).StatusCode);
    }

    [Fact]
    public async Task Known_and_unknown_addresses_cost_one_hash_each()
    {
        using var hasher = new GatedHasher();
        await using var api = await StartAsync(hasher, queue: 16);
        (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = Email, password = Password })).EnsureSuccessStatusCode();

        foreach (var (endpoint, email) in new[]
        {
            ("login", Email), ("login", "unknown@example.com"), ("register", Email), ("register", "free@example.com"),
        })
        {
            var before = hasher.Total;
            await api.Anyone.PostAsJsonAsync($"/api/auth/{endpoint}", new { email, password = "another horse 2" });
            Assert.Equal(1, hasher.Total - before);
        }
    }

    private static async Task PostIsRefusedAsync(SendcatApi api, string endpoint, object body) =>
        await IsRefusedAsync(await api.Anyone.PostAsJsonAsync($"/api/auth/{endpoint}", body));

    private static async Task IsRefusedAsync(HttpResponseMessage response)
    {
        await response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        Assert.True(response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
    }

    private static async Task<string> ResetTokenAsync(SendcatApi api)
    {
        await using var scope = api.Services.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<SendcatUser>>();
        return await users.GeneratePasswordResetTokenAsync((await users.FindByEmailAsync(Email))!);
    }

    private Task<SendcatApi> StartAsync(GatedHasher hasher, int queue, params (string Name, string Value)[] knobs) => SendcatApi.StartAsync(
        postgres,
        new(knobs.Select(knob => KeyValuePair.Create(knob.Name, knob.Value))) { ["PASSWORD_HASH_QUEUE"] = $"{queue}" },
        services => services.AddSingleton<IPasswordHasher<SendcatUser>>(hasher));

    /// <summary>Counts hashes and the most concurrent ones. While it is closed, its callers block until <see cref="Open"/>.</summary>
    private sealed class GatedHasher : IPasswordHasher<SendcatUser>, IDisposable
    {
        private readonly ManualResetEventSlim _open = new(initialState: true);
        private int _running;

        public SemaphoreSlim Entered { get; } = new(0);

        public int MaxConcurrent { get; private set; }

        public int Total { get; private set; }

        public void Close()
        {
            (MaxConcurrent, Total) = (0, 0);
            while (Entered.Wait(0))
            {
            }

            _open.Reset();
        }

        public void Open() => _open.Set();

        public string HashPassword(SendcatUser user, string password) => Run($"hash of {password}");

        public PasswordVerificationResult VerifyHashedPassword(SendcatUser user, string hashedPassword, string providedPassword) =>
            Run(hashedPassword == $"hash of {providedPassword}" ? PasswordVerificationResult.Success : PasswordVerificationResult.Failed);

        public void Dispose()
        {
            _open.Dispose();
            Entered.Dispose();
        }

        private T Run<T>(T result)
        {
            var now = Interlocked.Increment(ref _running);
            lock (_open)
            {
                (MaxConcurrent, Total) = (Math.Max(MaxConcurrent, now), Total + 1);
            }

            Entered.Release();
            _open.Wait();
            Interlocked.Decrement(ref _running);
            return result;
        }
    }
}
