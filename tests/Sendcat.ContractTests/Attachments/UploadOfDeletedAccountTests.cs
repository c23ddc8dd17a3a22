using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Attachments;
using Sendcat.Integrations.Files;

namespace Sendcat.ContractTests.Attachments;

/// <summary>An upload whose account is deleted while the file store takes the content.</summary>
public sealed class UploadOfDeletedAccountTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_upload_is_refused_and_its_content_deleted()
    {
        var store = new SlowStore();
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["AUTH_CONFIRMED_DOMAINS"] = "example.com" }, services =>
        {
            // The test decides when the sweeper runs.
            services.Remove(services.Single(service => service.ImplementationType == typeof(AttachmentSweeper)));
            services.AddSingleton<AttachmentSweeper>();
            services.AddSingleton<IFileStore>(store);
        });
        var sweeper = api.Services.GetRequiredService<AttachmentSweeper>();
        var (user, _) = await api.UserAsync();
        var upload = FileApi.PostAsync(user, FileApi.Png());
        await store.PutBegan.Task;

        using var deleted = await user.PostAsJsonAsync("/api/auth/delete-account", new { password = "correct horse 1" });
        await sweeper.SweepAsync(CancellationToken.None);
        store.PutMayEnd.SetResult();
        using var refused = await upload;

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.Conflict), (deleted.StatusCode, refused.StatusCode));
        Assert.Single(store.Keys);
        await sweeper.SweepAsync(CancellationToken.None);
        Assert.Empty(store.Keys);
    }

    /// <summary>A store whose uploads end when the test lets them.</summary>
    private sealed class SlowStore : IFileStore
    {
        private readonly ConcurrentDictionary<string, bool> _files = [];

        public TaskCompletionSource PutBegan { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource PutMayEnd { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ICollection<string> Keys => _files.Keys;

        public string Name => "folder";

        public async Task PutAsync(string key, Stream content, string contentType, CancellationToken cancellationToken)
        {
            PutBegan.TrySetResult();
            await PutMayEnd.Task.WaitAsync(cancellationToken);
            _files[key] = true;
        }

        public Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken) => Task.FromResult<Stream?>(null);

        public Task<long?> SizeAsync(string key, CancellationToken cancellationToken) => Task.FromResult<long?>(null);

        public Task DeleteAsync(string key, CancellationToken cancellationToken)
        {
            _files.TryRemove(key, out _);
            return Task.CompletedTask;
        }

        public Uri? Link(string key) => null;
    }
}
