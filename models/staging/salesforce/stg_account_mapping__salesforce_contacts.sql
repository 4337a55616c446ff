{{ config(enabled='salesforce' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('salesforce', 'contact', candidates={
        'source_contact_id': ['id', 'contact id'],
        'source_account_id': ['account_id', 'accountid', 'account id'],
        'email': ['email'],
        'is_deleted': ['is_deleted', 'isdeleted', 'deleted'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.salesforce_id_18('source_contact_id') }} as source_contact_id,
        {{ account_mapping.salesforce_id_18('source_account_id') }} as source_account_id,

        ---------- strings
        {{ account_mapping.clean_text('email') }} as email,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
