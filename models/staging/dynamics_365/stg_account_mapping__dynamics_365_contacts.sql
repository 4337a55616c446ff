{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('dynamics_365', 'contact', candidates={
        'source_contact_id': ['contactid', 'id'],
        'source_account_id': ['parentcustomerid', '_parentcustomerid_value', 'accountid', '_accountid_value'],
        'email': ['emailaddress1'],
        'is_deleted': ['is_deleted', 'isdeleted'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_contact_id') }} as source_contact_id,
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,

        ---------- strings
        {{ account_mapping.clean_text('email') }} as email,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
