from django.contrib import admin

from mlmodels.models import MLModel


@admin.register(MLModel)
class MLModelAdmin(admin.ModelAdmin):
    list_display = ("key", "is_active", "is_ready", "updated_at")
    list_filter = ("name", "is_active")
    search_fields = ("name", "version", "description")

    @admin.display(boolean=True, description="weights")
    def is_ready(self, model: MLModel) -> bool:
        return model.is_ready
