{% macro job_title_columns() %}
    {#- The column of a contact's job title, as {source: {table: column of source_columns}}. -#}
    {{- return({
        'salesforce': {'contact': ['text', 'title', 'job title']},
        'hubspot': {'contact': ['text'] + account_mapping.hubspot_property('jobtitle', ['job title'])},
        'pipedrive': {'persons': ['text', 'job title', 'person - job title']},
        'dynamics_365': {'contact': ['text', 'jobtitle', 'job title']},
    }) -}}
{% endmacro %}
