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
with

users as (

    {{ account_mapping.crm_records('owners', owner_columns) }}

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
