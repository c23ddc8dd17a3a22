using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Integrations.Files;
using Sendcat.TestKit.Processes;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Files;

/// <summary>Both stores do the same, the S3 store against a service that checks its signatures.</summary>
public sealed class FileStoreTests : IAsyncLifetime
{
    private const string Key = "attachments/ab/01990000-0000-7000-8000-0000000000ab";

    private readonly TestFolder _folder = new("files");
    private UpstreamEmulatorHost _emulator = null!;

    public async ValueTask InitializeAsync() => _emulator = await UpstreamEmulatorHost.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _emulator.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("s3")]
    public async Task A_file_is_stored_read_measured_replaced_and_deleted(string name)
    {
        await using var services = Services(Settings(name));
        var store = services.GetRequiredService<IFileStore>();
        var content = RandomNumberGenerator.GetBytes(3_000_000);

        await store.PutAsync(Key, new MemoryStream([1]), "image/png", default);
        await store.PutAsync(Key, new MemoryStream(content), "image/png", default);

        Assert.Equal(name, store.Name);
        Assert.Equal(content.Length, await store.SizeAsync(Key, default));
        await using (var opened = await store.OpenAsync(Key, default))
        {
            using var read = new MemoryStream();
            await opened!.CopyToAsync(read);
            Assert.Equal(content, read.ToArray());
        }

        await store.DeleteAsync(Key, default);
        await store.DeleteAsync(Key, default);
        Assert.Null(await store.SizeAsync(Key, default));
        Assert.Null(await store.OpenAsync(Key, default));
    }

    [Fact]
    public async Task A_file_of_the_folder_store_is_readable_by_its_owner_only_and_no_key_leaves_the_folder()
    {
        await using var services = Services(Settings("folder"));
        var store = services.GetRequiredService<IFileStore>();
        await store.PutAsync(Key, new MemoryStream([1]), "image/png", default);

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder[Key]));
        }

        foreach (var key in (string[])["../escape", "a/../../escape", "/etc/passwd", "a//b", "", "A"])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => store.PutAsync(key, new MemoryStream([1]), "image/png", default));
        }
    }

    [Fact]
    public async Task A_signed_address_needs_no_credential_serves_one_file_and_expires()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var emulator = await UpstreamEmulatorHost.StartAsync(options => options.Clock = clock);
        await using var services = Services(Settings("s3", ("FILES_S3_LINK_SECONDS", "60"), ("FILES_S3_URL", emulator.S3.ToString())));
        var store = services.GetRequiredService<IFileStore>();
        await store.PutAsync(Key, new MemoryStream([1, 2, 3]), "image/png", default);
        using var client = new HttpClient();
        var link = store.Link(Key)!;

        using var response = await client.GetAsync(link);
        using var other = await client.GetAsync(link.ToString().Replace("00ab?", "00ac?", StringComparison.Ordinal));
        using var unsigned = await client.GetAsync(link.GetLeftPart(UriPartial.Path));
        clock.Advance(TimeSpan.FromSeconds(70));
        using var expired = await client.GetAsync(link);

        Assert.Equal(
            ("image/png", 3), (response.Content.Headers.ContentType?.MediaType, (await response.Content.ReadAsByteArrayAsync()).Length));
        Assert.Contains("SignatureDoesNotMatch", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, unsigned.StatusCode);
        Assert.Contains("Request has expired", await expired.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await using var without = Services(Settings("s3"));
        Assert.Null(without.GetRequiredService<IFileStore>().Link(Key));
    }

    [Theory]
    [InlineData("FILES_S3_ACCESS_KEY", "somebody")]
    [InlineData("FILES_S3_SECRET_KEY", "wrong")]
    [InlineData("FILES_S3_REGION", "eu-west-1")]
    [InlineData("FILES_S3_BUCKET", "elsewhere")]
    public async Task A_wrong_setting_of_the_bucket_is_a_failure_of_the_store_and_no_missing_file(string setting, string value)
    {
        await using var services = Services(Settings("s3", (setting, value)));
        var store = services.GetRequiredService<IFileStore>();

        await Assert.ThrowsAsync<FileStoreException>(() => store.PutAsync(Key, new MemoryStream([1]), "image/png", default));
        await Assert.ThrowsAsync<FileStoreException>(() => store.OpenAsync(Key, default));
    }

    [Fact]
    public async Task A_service_that_fails_or_is_away_is_a_failure_of_the_store()
    {
        await using var services = Services(Settings("s3"));
        var store = services.GetRequiredService<IFileStore>();
        _emulator.DirectRest("[[emu at=s3 status=500]]");
        await Assert.ThrowsAsync<FileStoreException>(() => store.SizeAsync(Key, default));

        await using var nowhere = Services(Settings("s3", ("FILES_S3_URL", "http://127.0.0.1:1")));
        await Assert.ThrowsAsync<FileStoreException>(() => nowhere.GetRequiredService<IFileStore>().DeleteAsync(Key, default));

        await File.WriteAllTextAsync(_folder["attachments"], "a file where the folder should be");
        await using var blocked = Services(Settings("folder"));
        await Assert.ThrowsAsync<FileStoreException>(
            () => blocked.GetRequiredService<IFileStore>().PutAsync(Key, new MemoryStream([1]), "image/png", default));
    }

    [Fact]
    public void A_store_without_its_bucket_stops_the_start()
    {
        using var services = Services(Settings("s3", ("FILES_S3_BUCKET", "")));

        Assert.Throws<InvalidOperationException>(services.GetRequiredService<IFileStore>);
    }

    private Dictionary<string, string?> Settings(string store, params (string Name, string Value)[] changes)
    {
        Dictionary<string, string?> settings = new()
        {
            ["FILES_STORE"] = store,
            ["FILES_FOLDER"] = _folder.Path,
            ["FILES_S3_URL"] = _emulator.S3.ToString(),
            ["FILES_S3_BUCKET"] = "files",
            ["FILES_S3_ACCESS_KEY"] = "emulator",
            ["FILES_S3_SECRET_KEY"] = "emulator",
        };
        foreach (var (name, value) in changes)
        {
            settings[name] = value;
        }

        return settings;
    }

    private static ServiceProvider Services(Dictionary<string, string?> settings) => new ServiceCollection()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
        .AddSingleton<IHostEnvironment>(new Environment())
        .AddSingleton(TimeProvider.System)
        .AddLogging()
        .AddFiles()
        .BuildServiceProvider();

    private sealed class Environment : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = "Production";

        public string ApplicationName { get; set; } = "test";

        public string ContentRootPath { get; set; } = System.IO.Path.GetTempPath();

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } =
            new Microsoft.Extensions.FileProviders.NullFileProvider();
    }
}
