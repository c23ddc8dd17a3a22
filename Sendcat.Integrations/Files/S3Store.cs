using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Connections = Sendcat.Reliability.Outbound.ThirdParty;

namespace Sendcat.Integrations.Files;

/// <summary>
/// Stores files in a bucket of an S3-compatible service. The AWS SDK signs the requests (Signature Version 4) and repeats them.
/// </summary>
internal sealed class S3Store : IFileStore, IDisposable
{
    private readonly FilesOptions _options;
    private readonly AmazonS3Client _client;
    private readonly TimeProvider _time;

    public S3Store(FilesOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        var config = new AmazonS3Config
        {
            Timeout = TimeSpan.FromMilliseconds(options.S3TimeoutMs),
            MaxErrorRetry = 2,
            HttpClientFactory = new ThirdPartyClients(),

            // Services other than AWS do not all know the checksums that the SDK would add.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.S3Url.Length > 0)
        {
            (config.ServiceURL, config.AuthenticationRegion, config.ForcePathStyle) = (options.S3Url, options.S3Region, true);
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.S3Region);
        }

        _client = options.S3AccessKey.Length > 0
            ? new AmazonS3Client(new BasicAWSCredentials(options.S3AccessKey, options.S3SecretKey), config)
            : new AmazonS3Client(config);
    }

    public string Name => FilesOptions.S3;

    public Task PutAsync(string key, Stream content, string contentType, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            var request = new PutObjectRequest
            {
                BucketName = _options.S3Bucket,
                Key = key,
                InputStream = content,
                AutoCloseStream = false,
                ContentType = contentType,
                UseChunkEncoding = false,
            };
            await _client.PutObjectAsync(request, cancellationToken);
            return true;
        },
        cancellationToken);

    public Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken) => GuardAsync<Stream?>(
        async () => (await _client.GetObjectAsync(_options.S3Bucket, key, cancellationToken)).ResponseStream, cancellationToken);

    public Task<long?> SizeAsync(string key, CancellationToken cancellationToken) => GuardAsync<long?>(
        async () => (await _client.GetObjectMetadataAsync(_options.S3Bucket, key, cancellationToken)).ContentLength, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            await _client.DeleteObjectAsync(_options.S3Bucket, key, cancellationToken);
            return true;
        },
        cancellationToken);

    public Uri? Link(string key) => _options.S3LinkSeconds == 0 ? null : new Uri(_client.GetPreSignedURL(new GetPreSignedUrlRequest
    {
        BucketName = _options.S3Bucket,
        Key = key,
        Verb = HttpVerb.GET,
        Expires = _time.GetUtcNow().UtcDateTime.AddSeconds(_options.S3LinkSeconds),
        Protocol = _options.S3Url.StartsWith("http:", StringComparison.OrdinalIgnoreCase) ? Protocol.HTTP : Protocol.HTTPS,
    }));

    public void Dispose() => _client.Dispose();

    /// <returns>The default value when there is no such file.</returns>
    private static async Task<T?> GuardAsync<T>(Func<Task<T>> request, CancellationToken cancellationToken)
    {
        try
        {
            return await request();
        }
        catch (AmazonS3Exception missing) when (missing is { StatusCode: HttpStatusCode.NotFound, ErrorCode: not "NoSuchBucket" })
        {
            return default;
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested
            && failure is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException
                or OperationCanceledException)
        {
            throw new FileStoreException("The S3 service of the files does not serve our request.", failure);
        }
    }

    /// <summary>The connections of the SDK send no trace headers, as those to all third parties.</summary>
    private sealed class ThirdPartyClients : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
            new(Connections.Handler()) { Timeout = Timeout.InfiniteTimeSpan };

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
