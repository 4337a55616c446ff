{%- set owner_models = {
    'salesforce': 'stg_account_mapping__salesforce_users',
    'hubspot': 'stg_account_mapping__hubspot_owners',
    'pipedrive': 'stg_account_mapping__pipedrive_users',
    'dynamics_365': 'stg_account_mapping__dynamics_365_systemusers',
} -%}
{%- set text = dbt.type_string() -%}
{%- set owner_columns = {
    'source_relation': text,
    'owner_id': text,
    'owner_name': text,
    'owner_email': text,
    'updated_at': 'timestamp',
    'extracted_at': 'timestamp',
    'is_current_version': 'boolean',
    'is_deleted': 'boolean',
    'row_problem': text,
} -%}
{%- set crms = account_mapping.crms_in_use() | select('in', owner_models) | list -%}
with

users as (

    {% for crm in crms %}
    select
        {{- account_mapping.typed_columns(owner_columns) }}

    from {{ ref(owner_models[crm]) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ account_mapping.no_rows(owner_columns) }}
    {% endfor %}

),

ranked as (

    {{ account_mapping.ranked_records(
        'users', ['source_relation', 'owner_id'], ['owner_email', 'owner_name']
    ) | indent(4) }}

),

final as (

    -- whoever left still is the owner's name; a user loaded twice must not double accounts
    select
        source_relation,
        owner_id,
        owner_name,
        owner_email

    from ranked
    where version_rank = 1

)

select * from final
