{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('hubspot', 'contact', candidates={
        'source_contact_id': ['id', 'record id', 'record id - contact', 'contact_id'],
        'source_account_id': hubspot_property('associatedcompanyid', ['primary associated company id']),
        'source_account_ids': ['companies', 'associations_companies', 'associated company ids'],
        'email': hubspot_property('email'),
        'is_deleted': ['is_deleted', 'archived'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('source_contact_id') }} as source_contact_id,
        {{ clean_id('source_account_id') }} as source_account_id,
        {{ clean_text('source_account_ids') }} as source_account_ids,

        ---------- strings
        {{ clean_text('email') }} as email,

        ---------- booleans
        coalesce({{ to_boolean('is_deleted') }}, false)
        or coalesce({{ to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
