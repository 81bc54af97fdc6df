from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [  # noqa: RUF012 - as Django writes it
        migrations.CreateModel(
            name="Song",
            fields=[
                ("id", models.AutoField(primary_key=True)),
                ("task_id", models.CharField(max_length=64, unique=True)),
                ("title", models.TextField()),
                ("status", models.CharField(max_length=16, default="pending")),
                ("audio_url", models.URLField(null=True)),
                ("cover_url", models.URLField(null=True)),
            ],
        )
    ]
