{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('dynamics_365', 'systemuser', candidates={
        'owner_id': ['systemuserid', 'id'],
        'owner_name': ['fullname'],
        'owner_email': ['internalemailaddress'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('owner_id') }} as owner_id,

        ---------- strings
        {{ clean_text('owner_name') }} as owner_name,
        {{ clean_text('owner_email') }} as owner_email,

        ---------- booleans
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
