{%- set contact_models = {
    'salesforce': 'stg_account_mapping__salesforce_contacts',
    'hubspot': 'stg_account_mapping__hubspot_contacts',
    'pipedrive': 'int_account_mapping__pipedrive_contacts',
    'dynamics_365': 'stg_account_mapping__dynamics_365_contacts',
} -%}
{%- set text = dbt.type_string() -%}
{%- set contact_columns = {
    'source_contact_id': text,
    'source_account_id': text,
    'email': text,
    'is_deleted': 'boolean',
} -%}
{%- set crms = account_mapping.crms_in_use() | select('in', contact_models) | list -%}

with

crm_contacts as (

    {% for crm in crms %}
    select
        '{{ crm }}' as source_relation,
        {{- account_mapping.typed_columns(contact_columns) }}

    from {{ ref(contact_models[crm]) }}
    where is_current_version
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ account_mapping.no_rows(dict(source_relation=text, **contact_columns)) }}
    {% endfor %}

),

contacts as (

    select * from crm_contacts
    where
        not is_deleted
        and email like '%_@_%'

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

final as (

    -- the survivor of a merge inherits its contacts
    select distinct
        account_ids.account_id,
        contacts.source_contact_id,
        lower(split_part(contacts.email, '@', 2)) as email_host

    from contacts
    inner join account_ids
        on
            contacts.source_relation = account_ids.source_relation
            and contacts.source_account_id = account_ids.source_account_id

)

select * from final
