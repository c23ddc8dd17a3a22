using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Mail;
using Sendcat.ApiService.Ops;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddRedisClient("redis");
builder.AddRabbitMQClient("messaging");
builder.AddDatabase();
builder.UseSharedPort();
builder.Services.AddHttpRules().AddMail().AddReliability().AddIdentity().AddThreads().AddProviders().AddTools().AddChat();

var app = builder.Build();
app.UseHttpRules();
app.MapDefaultEndpoints();
app.MapIdentity();
app.MapThreads();
app.MapChat();
app.MapOps();
app.MapApiDocument();
await app.RunAsync();
